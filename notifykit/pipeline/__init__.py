"""The stages that a message passes through: normalize, clean, guard, plan, deliver, report."""
