"""The backend as QGIS sees it: its environment, its process, and the words for what goes wrong."""
