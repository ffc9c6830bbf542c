"""What decides which tip or prompt a person sees now, without a web framework: `api` is the shell on it.

In the order of a request: `request` what is asked; `online_store` profiles that the caller did not ship; `scorer` from
features to scores; `ranking` from scores to a drawn order; `prompt_choice` and `writing` for a tip that is to be
written; `shadow` what is scored besides. What they use is released: `manifest` what a release lists, `reward_model`
LightGBM by its C library, `rule` the default while nothing is released, `released` loads, checks and swaps.
"""
