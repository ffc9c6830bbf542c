"""The prompts: `registry` knows the versions (one TOML file each under `versions/`), `rendering` fills them."""
