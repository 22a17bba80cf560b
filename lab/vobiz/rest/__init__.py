"""The API's families: one file each, from request to answer. Paths, casing and slashes are Vobiz's own."""
