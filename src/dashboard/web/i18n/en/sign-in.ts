/** Texts of the sign-in page, and the button that signs out. */
export const signInEn = {
  signIn: {
    title: "Sign in",
    explanation: "The viewer password gives read-only access. The operator password also allows actions.",
    password: "Password",
    name: "Your name for the audit log (optional)",
    submit: "Sign in",
    signOut: "Sign out",
    retryAfter: (time: string) => `Try again in ${time}.`,
  },
};
