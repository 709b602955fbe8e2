"""SUPPLY: who can help, when, how well, and for how much.

Owns people, skills, presence and money. Knows nothing of tickets or offers: what an agent is paid
for is a plain reference, and skill codes and client codes are slugs both sides share.
"""
