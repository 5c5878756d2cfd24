"""The cashier: what is paid, who is asked to take the money, and what becomes of it."""
