"""The cache family: invalidate, warm, tune, and the CDN in front."""
