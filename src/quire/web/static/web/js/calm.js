// Whether what moves into view glides there, or is there at once for those who asked for less motion.

/** @returns {ScrollBehavior} */
export function calm() {
  return matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
}
