"""Templates, styles, scripts and translations of the panel; served and rendered by app.panel."""
