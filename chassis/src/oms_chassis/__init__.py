"""What every service needs and that is not business."""
