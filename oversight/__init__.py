"""What the coordinating office and the regulator see: scorecards, breaches, supervision."""
