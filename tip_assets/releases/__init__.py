"""Releases in the Dagster UI, in MLflow and in a terminal; what is decided stands in `tip_serving.releasing`.

registry   MLflow's registry as a mirror of what was decided
checks     how the checks of the assets behind a candidate came out
opening    the sources of a release, for a sensor or a command
sensor     `release_sensor`: asks again and again what is next
released   the asset `released`: what is served
display    what a terminal shows
cli        `tip release`
"""
