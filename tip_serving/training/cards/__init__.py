"""Model cards: what is known of one registered version, and what became of it.

card          `Card`, the model, and `is_complete`
keeping       `read_card`, `write_card`, `append_history`: the card in the lake as JSON, Markdown and HTML
of_reward_model, of_tip_policy, of_prompt_policy    the cards of the three registered names, from what was trained
page          the card as Markdown and as one HTML file that needs nothing else
"""
