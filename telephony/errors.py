"""The root of every error that a person may see.

DialroomError            str(error) is one clear line; exit_code is what the command ends with
├── UserError            what the user wrote wrongly, or left out (2)
└── WorldError           what the world refused (1)
"""


class DialroomError(Exception):
    """An error whose text is one line that says what to do."""

    exit_code = 1


class UserError(DialroomError):
    """Something that the user wrote is wrong: a number, the manifest, a setting."""

    exit_code = 2


class WorldError(DialroomError):
    """Something outside refused or could not be reached: a server, a carrier, a key."""

    exit_code = 1
