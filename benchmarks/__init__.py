"""What the performance figures come from: measured side by side in one run, as ratios."""
