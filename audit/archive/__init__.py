"""Archives: what the oldest entries say, in locked objects, chained; entries stay searchable and provable."""
