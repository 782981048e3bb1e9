"""Running code that is not ours: classes of the plug-in layer and functions of the operator's own,
for a limited time. Light, for the authorizer does it too.
"""
