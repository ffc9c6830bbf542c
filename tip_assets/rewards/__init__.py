"""Assets of what people did with tips, in data-flow order.

    tip_scores (by day) -> prompt_rewards -> judge_against_people <- leaderboard

`released` tells what is released of it, `plots` draws, `sensor` asks for both whenever a day changed.
"""
