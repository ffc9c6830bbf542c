"""What people did with tips, told so that it can be believed: by prompt and model, policy, reward model and arm.

tables      what lies in the lake of it, with the grain of each
tally       sums by person and day of everything that was shown; never written
rates       how often tips were rewarded, over time, with intervals over people
comparing   whether one prompt or arm does better than another, however often one looks
shares      whether arms hold as many people as the released weights say
judging     whether the judges' scores predict what people do
sentences   all of it in words
publishing  reads the lake, computes, writes the tables
"""
