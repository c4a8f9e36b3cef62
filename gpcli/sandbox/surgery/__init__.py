"""Play the surgery: confirm bookings and answer enquiries, messages and renewal requests."""
