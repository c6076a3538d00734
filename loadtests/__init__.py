"""Load tests that judge what they measured: after the load, does the counter hold what was acknowledged?"""
