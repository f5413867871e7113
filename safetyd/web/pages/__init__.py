"""The pages: what people see and do in a browser.

Rule: a page is made of the same objects as the API, and works without JavaScript; what that adds is comfort.
"""
