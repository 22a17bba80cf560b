"""Stand-ins for the speech services: Deepgram's listen and speak WebSockets, OpenAI's chat completions.

The real plugins talk to them unchanged. Behind them stand a real voice and a real recogniser that come inside wheels,
or an oracle that is told what the caller says, and a small scripted receptionist.
"""
