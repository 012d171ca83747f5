"""Real processes under attack: what starts them, uses them, kills them, and judges what they did.

service    Redis, web, workers, dispatchers on a folder, each a process that can be killed by itself
papers     documents of which every chunk is known beforehand
people     upload, replace, delete, retry, and wait for what they were promised
watcher    searches throughout, and looks at every hit
mischief   kills, stops, wipes and repeats, in an order that a seed decides
judge      reads history, rows and files when all is over
reading    rows and files as they are kept: SQLite's file or PostgreSQL, a folder or a bucket
production a PostgreSQL and a bucket of one's own, which can be attacked too
"""
