"""The simulated core system of a trust company: it decides, signs as trustee, matches funds, reports."""
