"""Any extractor, run in a child process for each file: whatever the file does to a parser, the worker lives.

worker (heartbeat, database, secrets)         parser process (clean, warm)           child, one a file
SandboxedExtractor ── ParserProcess ──Popen──► server.py: imports, builds ──fork──► child.py: limits, confinement
        │                   └──── control socket: file + channels as descriptors ──►       │ parses
        └── ParserRun ◄───────────────── channel: length-prefixed JSON, each page as it is made ┘
                    ◄── status socket: how the child ended; closing it kills the child ──► server.py
"""
