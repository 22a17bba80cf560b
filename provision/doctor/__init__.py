"""What is wrong with a deployment: both servers are read, and every fact becomes a finding with what mends it."""
