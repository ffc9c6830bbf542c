"""Assets of learning: what is trained on logged decisions, and the candidate for release that is made of it.

In data-flow order: reward_model -> tip_policy -> policy_evaluation, prompt_policy (from the leaderboard and written
tips), and release_candidate of all. What they do stands in `tip_serving.training`; here it is shown and registered.
"""
