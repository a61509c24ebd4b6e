"""The backend's folder. QGIS imports `backend.s3d_protocol` from here, and nothing else."""
