"""Local stand-ins for the outside worlds: fal.ai, Replicate, Are.na and Base, in one process.

They speak the real wire protocols, so that the official SDKs and web3 work against them unmodified.
Nothing here knows the product, and nothing of the product imports this: only addresses change.
"""
