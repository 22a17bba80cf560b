"""What an agent says when the services that make its words have failed: prepared as audio while they still worked."""

from __future__ import annotations

from typing import Final

TRY_AGAIN: Final = "Sorry, I did not get that. Could you say it again?"
GIVE_UP: Final = "Sorry, something is wrong on our side. Please call again later."
RESUMED: Final = "I am sorry, the line was interrupted for a moment. How can I help you?"
