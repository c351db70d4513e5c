"""What is said instead of an answer: one sentence why not, one what can be done. No digits: the gate lets none pass."""

from __future__ import annotations

REPLIES = {
    "self_harm": "I am sorry that you feel like this. I cannot help with that, but you do not have to be alone "
    "with it: please call the emergency number or a crisis line now, or go to somebody near you. "
    "I can help you find a telephone or the way out.",
    "harm": "I do not help with weapons, or with what could hurt somebody or break the law. "
    "I can describe what I see or read it out.",
    "dosing": "How much of a medicine to take, or with what, I never say: a wrong answer could hurt. "
    "Please ask a doctor or a pharmacist. I can read out what the label says.",
    "diagnosis": "Whether that is an illness I cannot judge from a picture. Please show it to a doctor, and call for "
    "help if it is urgent. I can describe what I see.",
    "stalking": "I do not follow people, film them in secret or find out where they are. "
    "If you are worried about somebody, please call the police. I can describe the place around you.",
    "secrets": "That is private and belongs to somebody else, so I never read it out. "
    "I can read what is yours, and what is there for everyone.",
    "traits": "Such private things I never tell from how somebody looks. I can describe what they wear and do.",
    "identity": "Who somebody is I never say from a picture. "
    "I can describe what I see, or read a name that is written.",
}
"""kind of refusal (models.refusals) -> what is said."""
