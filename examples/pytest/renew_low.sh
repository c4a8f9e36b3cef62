#!/bin/sh
# For a timer, once a week: asks to renew what runs low, and says how it went.
asked=$(gpcli rx renew --low --yes --plain --fields prescription)
code=$?
case $code in
  0) echo "Asked for: ${asked:-nothing}" ;;
  4) echo "Sign in again: gpcli login" ;;
  5) echo "Not online at this GP: call the surgery" ;;
  10) echo "It may have been sent: gpcli outbox settle" ;;
  *) echo "It did not work, and next week is another try" ;;
esac
exit $code
