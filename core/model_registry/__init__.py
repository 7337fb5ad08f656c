"""The models that were trained in a workspace: listed, shown, removed, merged and written for other tools."""
