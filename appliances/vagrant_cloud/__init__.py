"""The API of Vagrant Cloud: `vagrant cloud` and Packer publish here as they do there. One short file per subject.

Its words stand only here: a box is an appliance, a version a release, and a provider one of its uploads or of its
artifacts whose format is `box-<provider>`.
"""
