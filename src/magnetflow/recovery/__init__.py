"""Process balances: species, reactions, streams, units and flowsheets of recovery. No country is known here."""
