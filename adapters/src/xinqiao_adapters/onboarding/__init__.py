"""What ``channel new`` does: recognise a partner's samples and field table, propose a mapping, have it confirmed.

``recognition`` reads samples, ``interface_table`` the partner's field table, ``dictionary`` the standard; ``matching``
sets them against one another, ``draft`` writes the profile, ``confirmation`` says who stands for a proposal.
"""
