"""Clients on the bench: vectors are served, a command reads them, and what it delivered and sent is judged.

The rooms: `vectors` reads the rows, `bench` is the small server, `running` starts the command, `judging` compares,
`report` prints. None of them knows a profile, a check or a probe: what is judged here is a client, not a server.
"""
