"""What people may ask of a bench, function by function; each takes the acting user and checks the role itself.

`bench` starts and shows experiments, `judging` hands out blind work and takes what judges say, `catalogs` tells of
prompts and models, `watch` notices what changed. What they refuse stands in `errors`, who may do what in `users`.
"""
