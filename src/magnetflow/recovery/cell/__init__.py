"""The electrochemical cell: ions that diffuse and migrate, react and fall out, between electrodes."""
