"""What every room stands on: settings, refusals, time, identifiers, logs. Imports nothing of the house."""
