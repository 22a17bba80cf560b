"""A stateful stand-in for Vobiz: its REST API over real HTTP, its calls over real SIP. Used by nothing but the lab.

Facts are marked with the page that has them, D: standing for https://www.vobiz.ai/docs/. What no page says and nobody
saw is called inferred, and is a habit (`lab.vobiz.habits`) where more than one answer is likely.
"""
