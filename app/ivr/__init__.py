"""IVR flows: what a person hears and what their keys do. The flow and its session are pure; prompts touch the disk."""
