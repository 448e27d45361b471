"""What actions on a Redis share: its link, its cluster, its queues, long lists of keys."""
