"""What the kernel says of this host, one subject a file; `SystemCollector` puts them together.

Every `read_…` takes a `Host` and a `ReadingBuilder`, reads small files below /proc and /sys (proc(5), and the
kernel's admin-guide and cgroup documentation), never blocks for long, and leaves out what is missing.
"""
