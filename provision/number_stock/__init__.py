"""The carrier account's stock of numbers: what it has, what is for sale, buying and giving back."""
