"""Glasses on a web page: the browser's camera is the eye, its microphone the ear, its speaker the mouth."""
