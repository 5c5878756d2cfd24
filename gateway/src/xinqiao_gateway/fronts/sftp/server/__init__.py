"""The embedded SFTP server: a partner without a server of its own puts its files here, and fetches what is for it.

It serves folders and knows nothing of what is in a file; who looks into the folders is the file front.
"""
