"""Watches the rooms of a deployment: nobody is left alone in one, with a human gone or an agent dead."""
