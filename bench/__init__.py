"""What gpcli is measured by: figures of reliability, as one table."""
