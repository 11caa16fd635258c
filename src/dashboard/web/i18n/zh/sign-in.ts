import type { signInEn } from "../en/sign-in.ts";

export const signInZh: typeof signInEn = {
  signIn: {
    title: "登录",
    explanation: "查看者密码只能查看，操作者密码还可以执行操作。",
    password: "密码",
    name: "您的名字，用于审计日志（可不填）",
    submit: "登录",
    signOut: "退出",
    retryAfter: (time) => `请在 ${time}后重试。`,
  },
};
