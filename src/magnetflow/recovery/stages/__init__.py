"""The stages of recovery, each as units of a flowsheet."""
